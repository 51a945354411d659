"""Small servers that stand in for cloud services on this machine, for the demo and for tests."""
