"""
Local stand-ins: the database and the brokers that plaint starts by itself.

``plaint up``, ``plaint demo`` and the tests need PostgreSQL and a Kafka broker without Docker and without questions.
Everything here listens on the loopback address only, ends with the process that started it, and is meant for demos,
development and tests: a Kafka listener without authentication is open to every user of the machine.

Linux is where nothing outlives a parent killed with SIGKILL; on other POSIX systems an orderly exit cleans up.
Windows is not supported.
"""
