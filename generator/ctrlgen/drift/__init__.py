"""Compares models, migrations and a live database: ``ctrlgen drift --database URL``.

``drift_command`` is what ``cli`` calls; it starts a process of its own (``drift_process``), because the models are
imported. There ``live`` connects, ``catalogue`` reads what the database has, ``declared`` asks the same server how it
would write down what the models declare, ``revisions`` reads what the migrations make, and ``comparison`` turns the
differences into findings; tables, columns and foreign keys are compared by Alembic. Nothing is changed: whatever is
created is temporary, and rolled back.
"""
