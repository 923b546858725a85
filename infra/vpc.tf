# Where the connector runs: in subnets that are given, or in a small network of its own. It takes no
# connections, so public subnets without a NAT gateway are enough: nothing can reach it.
# The functions are in no network: they only talk to AWS, and what a webhook names is never inside ours.
locals {
  make_network = var.connector && length(var.subnet_ids) == 0
  subnet_ids   = local.make_network ? aws_subnet.this[*].id : var.subnet_ids
}

data "aws_availability_zones" "this" {
  count = local.make_network ? 1 : 0

  state = "available"
}

resource "aws_vpc" "this" {
  count = local.make_network ? 1 : 0

  cidr_block           = var.vpc_cidr
  enable_dns_hostnames = true
  tags                 = { Name = trimsuffix(var.prefix, "-") }
}

resource "aws_subnet" "this" {
  count = local.make_network ? 2 : 0

  vpc_id            = aws_vpc.this[0].id
  cidr_block        = cidrsubnet(var.vpc_cidr, 4, count.index)
  availability_zone = data.aws_availability_zones.this[0].names[count.index]
  tags              = { Name = "${var.prefix}${count.index}" }
}

resource "aws_internet_gateway" "this" {
  count = local.make_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id
}

resource "aws_route_table" "this" {
  count = local.make_network ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this[0].id
  }
}

resource "aws_route_table_association" "this" {
  count = length(aws_subnet.this)

  subnet_id      = aws_subnet.this[count.index].id
  route_table_id = aws_route_table.this[0].id
}

# Free, and the most of the connector's traffic.
resource "aws_vpc_endpoint" "this" {
  for_each = local.make_network ? toset(["dynamodb", "s3"]) : toset([])

  vpc_id            = aws_vpc.this[0].id
  service_name      = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.this[0].id]
}

data "aws_subnet" "given" {
  count = var.connector && !local.make_network ? 1 : 0

  id = var.subnet_ids[0]
}

resource "aws_security_group" "connector" {
  count = var.connector ? 1 : 0

  name        = "${var.prefix}connector"
  description = "The connector: out to WhatsApp and AWS, nothing in"
  vpc_id      = local.make_network ? aws_vpc.this[0].id : data.aws_subnet.given[0].vpc_id
}

resource "aws_vpc_security_group_egress_rule" "connector" {
  count = var.connector ? 1 : 0

  security_group_id = aws_security_group.connector[0].id
  description       = "HTTPS and WebSocket"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
