"""ctrlgen: emits typed async controllers for SQLModel models.

The pipeline is ``load -> inspect -> plan -> render -> format -> write``, one package each; ``pipeline`` runs
it, ``cli`` is its command line. ``schema`` and ``package`` hold the data that passes between the steps.
"""
