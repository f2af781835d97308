"""State: events admitted by policy, put in order, made durable and published as a tree. One writer per log.

In the order of an event's life: ``submission``, ``sequencer``, ``batch`` (admission inside one transaction),
``store``; then ``publisher`` with ``integrate`` and ``tilestore``, ``checkpoint_store`` (compare and swap), ``face``
(what readers find), ``reader``. ``log`` puts them together in a folder, ``shared`` over PostgreSQL for several
processes. ``witness`` cosigns other logs, and gathers for this one; ``copies`` follows, watches and serves logs that
somebody else keeps; ``upkeep`` checks, backs up and restores. ``commands`` is ``python -m ledger``.
"""
