"""Problem-solving data made with models: methods as stages, streams of problems in and out."""
