"""Small fastText and linear models for math data: trained, calibrated and bundled, each with its card."""

from mathmill.classifiers.text_classifier import Classifier, bundled, join_problem

__all__ = ["Classifier", "bundled", "join_problem"]
