"""The tests: ``tests/NAME/`` holds those of ``cpwl/NAME/``.

What lies at the top of ``cpwl/`` has its tests here. Beside them: ``project/`` (the repository as a whole), ``proofs/``
(executable counterparts of the proofs), ``certificates/`` (golden files) and ``support/`` (what tests share).
"""
