"""Encoders: tokenizer, small GTE from scratch, masked language modelling, loading of folders and Hub models."""
