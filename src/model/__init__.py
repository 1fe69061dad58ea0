"""Encoders: tokenizer, small GTE from scratch, loading of folders and Hub models."""
