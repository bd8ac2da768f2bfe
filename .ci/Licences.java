import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Looks at the licences of everything that comes along with what is published, in the SBOM that the
 * profile "release" has written, and prints what comes under which. Exits with 1 when something has
 * no licence that is accepted; of several one is enough, because one may be chosen.
 */
final class Licences {

  private static final Set<String> ACCEPTED =
      Set.of(
          "Apache-2.0",
          "MIT",
          "MIT-0",
          "0BSD",
          "BSD-2-Clause",
          "BSD-3-Clause",
          "Go License", // BSD-3-Clause by another name
          "CC0-1.0",
          "EPL-1.0",
          "EPL-2.0",
          "Public Domain"); // aopalliance, by its authors

  public static void main(String[] args) throws Exception {
    Path sbom = Path.of(args.length > 0 ? args[0] : "target/sluice-sbom.xml");
    Document document =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(sbom.toFile());
    NodeList components = ofTheBuild(document).getElementsByTagName("component");
    Map<String, Set<String>> found = new TreeMap<>();
    List<String> refused = new ArrayList<>();
    for (int i = 0; i < components.getLength(); i++) {
      Element component = (Element) components.item(i);
      String name = text(component, "group") + ":" + text(component, "name");
      if (name.startsWith("dev.sluice:")) {
        continue;
      }
      Set<String> licences = licences(component);
      licences.forEach(licence -> found.computeIfAbsent(licence, l -> new TreeSet<>()).add(name));
      if (licences.stream().noneMatch(ACCEPTED::contains)) {
        refused.add(name + " " + text(component, "version") + ": " + licences);
      }
    }
    found.forEach((licence, names) -> System.out.println(licence + ": " + String.join(", ", names)));
    if (components.getLength() < 50 || !refused.isEmpty()) {
      System.err.println(components.getLength() + " components, not accepted: " + refused);
      System.exit(1);
    }
  }

  /** There are others: of the tool that has written the file. */
  private static Element ofTheBuild(Document document) {
    NodeList parts = document.getDocumentElement().getChildNodes();
    for (int i = 0; i < parts.getLength(); i++) {
      if (parts.item(i).getNodeName().equals("components")) {
        return (Element) parts.item(i);
      }
    }
    throw new IllegalStateException("the SBOM has no components");
  }

  private static Set<String> licences(Element component) {
    Set<String> licences = new TreeSet<>();
    NodeList all = component.getElementsByTagName("license");
    for (int i = 0; i < all.getLength(); i++) {
      Element licence = (Element) all.item(i);
      String id = text(licence, "id");
      licences.add(id.isEmpty() ? text(licence, "name") : id);
    }
    return licences;
  }

  private static String text(Element of, String tag) {
    NodeList found = of.getElementsByTagName(tag);
    return found.getLength() == 0 ? "" : found.item(0).getTextContent().strip();
  }
}
