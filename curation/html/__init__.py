"""HTML to text with every formula kept: the parts of `mathmill.curation.extract_html`, in the order of their use.

`charset` decodes, `source` repairs what a parser would misread, `delimiters` reads the page's own MathJax and KaTeX
configuration, `walk` goes over the DOM once, `content` chooses the main part, `render` writes text, spans and blocks.
"""
