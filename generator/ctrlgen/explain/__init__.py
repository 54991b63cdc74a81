"""Explains the methods of controllers: their signatures, SQL and indexes, and the methods that are not emitted.

``cli`` calls ``explain_command``. In the child process, which has the model classes, ``explained_models`` renders the
controllers, and ``recorded_calls`` calls each method on a runtime without a database and records its statements.
``explanation`` is the resulting data, and ``as_text`` and ``as_json`` print it.
"""
