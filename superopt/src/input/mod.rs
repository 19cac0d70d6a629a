//! Assembly text and objects read into regions.
