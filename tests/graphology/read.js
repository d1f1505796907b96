// Read a GEXF file with graphology and print it as JSON.
const fs = require("fs");
const Graph = require("graphology");
const gexf = require("graphology-gexf");

const graph = gexf.parse(Graph, fs.readFileSync(process.argv[2], "utf8"));
process.stdout.write(JSON.stringify({ type: graph.type, multi: graph.multi, ...graph.export() }));
