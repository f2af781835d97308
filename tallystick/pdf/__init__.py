"""Documents of a registrar (PDF): read strictly, their PAdES signature judged offline.

Certificates are read by ``cryptography``, which is loaded when there is a document to judge, and not before.
"""
