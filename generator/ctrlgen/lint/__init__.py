"""Reads hand-written code for what ctrlgen would do better: ``ctrlgen lint PATH...``.

``command`` is what ``cli`` calls. It lists the ``files``, lets ``runner`` check them (each is parsed to a
``SourceCode``, read through ``Queries`` by every rule in ``rules``), applies ``fixes`` and prints what is left. Nothing
that is read is ever imported; only the project's models are loaded, in a process of their own, because their plan says
what is emitted.
"""
