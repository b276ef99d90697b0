"""Priority and fairness: which requests go first when there are many. Models
apiserver/pkg/util/flowcontrol and server/filters/priority-and-fairness.go.
"""
