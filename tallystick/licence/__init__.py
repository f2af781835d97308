"""Licences: terms, the question asked of them, status, and the offline check of a licence file.

Say licence, never ownership. Everything here is pure: the caller brings time, keys and bytes.
"""
