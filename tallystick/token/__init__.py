"""Licence tokens: SD-JWT VC (RFC 9901, draft-ietf-oauth-sd-jwt-vc) whose disclosures are the log's own commitments.

One module for one specification: ``jose`` (RFC 7515, 7517), ``sdjwt`` (RFC 9901 §4, §7), ``binding`` (key binding),
``licence`` (what a licence token says). Nothing here knows the time or fetches anything.
"""
