"""The report of a verification: ``as_json`` for programs, ``as_text`` and ``as_html`` for people, zh and en.

Each form is a module of its own, so that a program that asks for one does not wait for the others.
"""
