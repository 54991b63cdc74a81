"""ctrlgen: emits typed async controllers for SQLModel models.

The pipeline is ``load -> inspect -> plan -> render -> format -> write``, a package or module each; ``pipeline`` runs
it, ``cli`` is its command line. The first two steps run in the process of ``child``. ``schema`` holds what ``inspect``
reads, ``blueprint`` what ``plan`` decides; ``stubs`` makes the tests of a package.
"""
