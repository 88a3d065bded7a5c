"""Trackers as mirrors: what is in the local store, shown in TensorBoard, Weights & Biases, Trackio or MLflow. The store is the truth."""
