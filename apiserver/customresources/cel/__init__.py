"""x-kubernetes-validations: CEL rules over the values of custom resources. Models apiextensions'
schema/cel and apiserver's cel libraries, on top of cel-rust (package common-expression-language).
"""
