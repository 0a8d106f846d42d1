"""How vocabularies encode: what is in their files, the words that they split text into, and three ways to merge bytes.

`mathmill.tokenize.tokenizer` chooses among them and checks each against the library before it is used.
"""
