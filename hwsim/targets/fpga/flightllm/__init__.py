"""FlightLLM: one instruction-driven core per die, six token-synchronised queues, sparse DSP chains (arXiv 2401.03868)."""
