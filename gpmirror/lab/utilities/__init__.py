"""Stand-ins for the native utilities, which behave as recordings of Greenplum 6.24.3 and 5.8.1 do.

Not Greenplum: they make streaming mirrors of ordinary PostgreSQL servers. Files, messages, checks
and missing checks, exit codes (also the misleading ones) and leftovers follow the recordings.
Nothing here is shared with the reader and writer of native files that the product uses, so that
each proves the other.
"""
