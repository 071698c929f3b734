"""The version of the library, also for its build."""

RELEASE = "0.1.0"
