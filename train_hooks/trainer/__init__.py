"""The bundled trainer for continued pre-training and fine-tuning."""
