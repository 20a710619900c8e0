"""Small breakages of the code, each with the test that must turn red: `make mutants`.

The mutants stand in the `.toml` files, in the order in which a change travels. Each is applied to a copy of the tree,
alone, and its test is run there against real servers that all of them share. docs/guarantees.md says what is promised,
and names the mutants that show that its tests can fail.
"""
