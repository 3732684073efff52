import com.fasterxml.jackson.databind.*;
import com.fasterxml.jackson.databind.node.*;
import org.apache.avro.*;
import java.io.*;
import java.nio.charset.StandardCharsets;

/**
 * What Avro's Java implementation says of pairs of schemas: reads lines {"reader": …, "writer": …} and writes each line with
 * its verdict, the incompatibilities, and the reader's canonical form and fingerprint; a pair that it cannot judge is left out.
 *
 * With avro 1.12.1, jackson-core, -databind, -annotations 2.19.2, slf4j-api 2.0.17 and commons-compress 1.28.0 in CP:
 *
 *   python tests/versions/avro_pairs.py 6000 2026 > pairs.jsonl
 *   javac -cp "$CP" -d out tests/versions/AvroVerdicts.java
 *   java -cp "out:$CP" AvroVerdicts < pairs.jsonl > all.jsonl
 *   python tests/versions/avro_pairs.py --choose 800 all.jsonl > tests/versions/avro_verdicts.jsonl
 */
public class AvroVerdicts {
  public static void main(String[] a) throws Exception {
    ObjectMapper m = new ObjectMapper();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
    String line;
    while ((line = in.readLine()) != null) {
      ObjectNode o;
      try {
        o = (ObjectNode) m.readTree(line);
        JsonNode p = o;
        Schema r = new Schema.Parser().parse(p.get("reader").toString());
        Schema w = new Schema.Parser().parse(p.get("writer").toString());
        SchemaCompatibility.SchemaPairCompatibility c = SchemaCompatibility.checkReaderWriterCompatibility(r, w);
        o.put("verdict", c.getType().toString());
        ArrayNode l = o.putArray("incompatibilities");
        for (SchemaCompatibility.Incompatibility i : c.getResult().getIncompatibilities()) {
          ObjectNode e = l.addObject();
          e.put("type", i.getType().toString());
          e.put("location", i.getLocation());
        }
        o.put("canonical", SchemaNormalization.toParsingForm(r));
        o.put("fingerprint", Long.toUnsignedString(SchemaNormalization.parsingFingerprint64(r)));
      } catch (Throwable e) {
        continue;
      }
      out.println(m.writeValueAsString(o));
    }
    out.flush();
  }
}
