"""cpwl"""
