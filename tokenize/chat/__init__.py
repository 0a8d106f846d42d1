"""Problems and conversations as chats: a template writes them (`template`, `text`), and our own bookkeeping says which
tokens the assistant wrote (`places`, `render`).
"""
