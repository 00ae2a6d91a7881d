"""All numeric state in the text format of OpenMetrics, with names that come from the model."""
