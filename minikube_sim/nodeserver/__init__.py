"""What a kubelet's port 10250 tells of its node: health, pods, statistics, metrics, configuration.
A page is a function in `pages.py` and a line in `PAGES`. Models pkg/kubelet/server.
"""
