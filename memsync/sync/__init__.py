"""Push, pull, merge, rotate: the only place that puts storage before chain.

``standing`` reads what a head leads to, ``wishes`` what the journal wants, ``compose`` makes the next root of both, ``push`` has it stored
and then committed, ``pull`` takes in what others committed. ``reading`` is the same walk with a grantee's keys, ``inbox`` the way back.
"""
