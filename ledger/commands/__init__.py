"""What ``python -m ledger`` offers, one module for each command; ``terminal`` holds what they share.

Exit status, of every command: 0 all well, 1 something is wrong and was said, 2 it
could not be tried (usage, no log, another program's file).
"""
