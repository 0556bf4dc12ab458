"""Contract suites, fakes and fixtures that ship with the package, for the tests of rooms old and new."""
