"""Compares models, migrations and a live database: ``ctrlgen drift --database URL``.

``cli`` calls ``drift_command``, which imports the models in a separate process (``drift_process``). There,
``drift_findings`` connects, ``catalogue`` reads the system catalog of the database, and lets the same server normalize
the declarations of the models, ``revisions`` renders the migrations, ``migrated_schema`` follows their SQL, and
``comparison`` and ``unmigrated`` turn the differences into findings. Alembic compares tables, columns and foreign keys.
Nothing is changed: all objects created are temporary and rolled back.
"""
