"""The auditor: reads every service's database and says whether together they keep their promises.

It imports no service and none of their models, because it must not share their mistakes: it knows tables, columns and
rules, and each rule is written anew in SQL or in a join over exported rows. It connects with the role `auditor`, which
may only read, and it is the reconciliation command of production as well as the judge of every test.

Databases cannot be read at one common instant. Each is read in one REPEATABLE READ snapshot, and the snapshots are
taken within milliseconds of each other; whatever one database knows and another cannot know yet is therefore a
violation whose youngest fact is a few moments old. Violations younger than the grace time are reported as pending and
do not count: the grace time must be longer than the skew of the snapshots plus the time that an event may take to have
its effect (300 s in production). After everything has come to rest, the grace time may be 0.
"""
