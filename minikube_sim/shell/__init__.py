"""The simulated shells of nodes and containers: bash's grammar (tree-sitter-bash), our commands.

C2: the founder writes this package (session, interpreter, commands); use `Session` from images.
"""
