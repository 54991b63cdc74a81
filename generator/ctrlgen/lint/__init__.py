"""Checks hand-written code for queries that ctrlgen would write better: ``ctrlgen lint PATH...``.

``cli`` calls ``lint_command``. It lists the ``files``, lets ``runner`` check them (each file is parsed to a
``SourceCode``, which the ``rules`` read through ``Queries``), applies the ``fixes`` and prints the remaining findings.
The checked files are never imported. Only the project's models are loaded, in a separate process, because the rules
need to know which methods are emitted.
"""
