# The connector's images. A tag is a release and stays what it is.
resource "aws_ecr_repository" "connector" {
  count = var.connector ? 1 : 0

  name                 = "${var.prefix}connector"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.deletion_protection

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "connector" {
  count = var.connector ? 1 : 0

  repository = aws_ecr_repository.connector[0].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Keep enough to go back"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
      action       = { type = "expire" }
    }]
  })
}
