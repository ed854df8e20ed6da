"""What generated text is worth, measured on the text alone: no judge model, no record, no export."""
