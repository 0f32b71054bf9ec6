variable "LIST" { 
  default = ["b", "a", "c"] 
}
variable "NULLABLE" {
  type = string
}
variable "OBJ" {
  default = { x = 1, y = "two", z = [1, 2] }
}
function "tag" {
  params = [name, version]
  variadic_params = rest
  result = "registry.example/${name}:${version}${join("", [for r in rest : "-${r}"])}"
}
target "default" {
  context = "."
  args = {
    a1 = join(",", sort(LIST))
    a2 = upper("abc") == "ABC" ? "yes" : "no"
    a3 = format("%s-%03d-%v-%q-%5.2f|%-4s|%x", "s", 7, true, "q", 3.14159, "l", 255)
    a4 = jsonencode(OBJ)
    a5 = base64encode("hello")
    a6 = sha256("hello")
    a7 = replace("a.b.c", ".", "_")
    a8 = regex_replace("foo-123", "([a-z]+)-([0-9]+)", "$${2}_$1")
    a9 = join(" ", [for k, v in OBJ : "${k}"])
    b1 = jsonencode({ for i, v in LIST : v => i })
    b2 = jsonencode({ for v in ["aa", "ab", "ba"] : substr(v, 0, 1) => v... })
    b3 = element(LIST, 4)
    b4 = lookup({ a = "x" }, "b", "dflt")
    b5 = coalesce(null, "", "c")
    b6 = cidrhost("10.1.2.0/24", 5)
    b7 = cidrsubnet("10.0.0.0/8", 8, 2)
    b8 = formatdate("YYYY-MM-DD'T'hh:mm:ssZ", "2020-01-02T03:04:05Z")
    b9 = timeadd("2020-01-02T03:04:05Z", "1h30m")
    c1 = title("hello world")
    c2 = trimspace("  x ")
    c3 = indent(2, "a\nb")
    c4 = strlen("héllo")
    c5 = reverse("abc")
    c6 = jsonencode(setproduct(["a", "b"], [1, 2]))
    c7 = jsonencode(flatten([[1, [2]], [3]]))
    c8 = jsonencode(chunklist([1, 2, 3], 2))
    c9 = jsonencode(range(3))
    d1 = jsonencode(merge({ a = 1 }, { b = 2 }))
    d2 = jsonencode(zipmap(["a", "b"], [1, 2]))
    d3 = jsonencode(setunion(["b", "a"], ["c", "a"]))
    d4 = jsonencode(csvdecode("a,b\n1,2\n"))
    d5 = urlencode("a b&c/d")
    d6 = uuidv5("dns", "example.com")
    d7 = tag("app", "1", "x", "y")
    d8 = NULLABLE == null ? "null" : "set"
    d9 = "%{ for v in LIST ~}${v};%{ endfor ~}"
    e1 = "%{ if length(LIST) > 2 }many%{ else }few%{ endif }"
    e2 = "${10 / 4} ${7 % 3} ${1 + 2 * 3} ${-5} ${!true}"
    e3 = try(OBJ.nope, "fallback")
    e4 = can(OBJ.x)
    e5 = jsonencode(LIST[*])
    e6 = OBJ["y"]
    e8 = dirname("/a/b/c")
    e9 = basename("/a/b/c")
    f1 = sanitize("a/b:c")
    f2 = jsonencode(regexall("[a-z]", "a1b2"))
    f3 = jsonencode(regex("(?P<n>[0-9]+)", "a12"))
    f4 = parseint("ff", 16)
    f5 = pow(2, 10)
    f6 = jsonencode(compact(["a", "", "b"]))
    f7 = jsonencode(keys({ b = 1, a = 2 }))
    f8 = jsonencode(slice(["a", "b", "c"], 1, 3))
    f9 = chomp("x\n\n")
    g1 = jsonencode(formatlist("%s!", ["a", "b"]))
    g2 = "${1.5}${100000000000000000000}"
    g3 = jsonencode("a<b>&")
    g4 = jsonencode([for s in LIST : upper(s) if s != "b"])
    g5 = jsonencode(distinct(["a", "b", "a"]))
    g6 = jsonencode(jsondecode("{\"a\":[1,null,true]}"))
    g7 = md5("x")
    g8 = max(1, 5, 3)
    g9 = jsonencode([{ n = 1 }, { n = 2 }][*].n)
    h1 = <<-EOT
      indented ${upper("x")}
        more
    EOT
    h2 = <<EOT
  kept
EOT
    h3 = "\u00e9\t\"q\""
    h4 = null
    h5 = true && false || true
    h6 = convert("5", number) + 1
    h7 = jsonencode(tuple_like.0)
    h8 = indexof(LIST, "c")
    i1 = jsonencode(cidrsubnets("10.1.0.0/16", 4, 4, 8))
    i2 = title("o'neill-smith x_y")
    i3 = format("%#v %t %e %g", { a = 1 }, false, 12345.678, 0.5)
    i4 = 1 == "1"
    i5 = log(100, 10)
    i6 = jsonencode(coalescelist([], [1]))
  }
}
tuple_like = ["first"]
