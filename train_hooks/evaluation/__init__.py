"""Benchmarks, generation and grading of a trained model."""
