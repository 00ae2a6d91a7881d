"""Management: datastores, transactions, access control, and the front ends that use them."""
