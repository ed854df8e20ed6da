"""What a person may say: strict models, YAML files, KEY=VALUE, numbers, and one line for what does not fit."""
