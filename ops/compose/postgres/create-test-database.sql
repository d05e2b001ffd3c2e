-- Beside the product's own database, for tests on this server.
create database brokerx_test;
