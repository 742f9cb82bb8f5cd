"""Push, pull, merge, rotate: the only place that puts storage before chain.

``standing`` reads what a head leads to, ``wishes`` what the journal wants, ``compose`` makes the next root of both, ``push`` has it stored
and then committed, ``pull`` takes in what others committed, ``settling`` tells what has landed and what is final. ``reading`` is the same
walk with a grantee's keys, ``outbox`` and ``inbox`` are the way back.
"""
