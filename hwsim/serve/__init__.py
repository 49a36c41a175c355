"""Serving: streams of requests to a language model on simulated chips."""
