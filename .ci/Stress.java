import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.openjdk.jcstress.JCStress;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.infra.Status;
import org.openjdk.jcstress.infra.collectors.DiskReadCollector;
import org.openjdk.jcstress.infra.collectors.InProcessCollector;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.runners.TestList;

/**
 * Runs the tests of a module under jcstress, and sees to it that they have run: jcstress itself is
 * content when there are none, and leaves out without a word those that have more actors than there
 * are processors. An outcome that is forbidden ends it with 1, as jcstress would.
 *
 * <p>Usage: {@code java -cp <test class path> Stress.java "<options of jcstress>"}
 */
final class Stress {

  /** As many as the processors of the machines on which it is to run. */
  private static final int MOST_ACTORS = 2;

  private Stress() {}

  public static void main(String[] args) throws Exception {
    String[] options = split(String.join(" ", args));
    Set<String> tests =
        TestList.class.getResource(TestList.LIST) == null
            ? Set.of()
            : new TreeSet<>(TestList.tests());
    if (tests.isEmpty()) {
      throw new AssertionError("tests under jcstress: 0 (expected: >= 1)");
    }
    tests.forEach(Stress::requireTwoActors);
    Options parsed = new Options(options);
    if (!parsed.parse()) {
      throw new IllegalArgumentException("jcstress: " + String.join(" ", options));
    }
    Predicate<String> wanted = Pattern.compile(parsed.getTestFilter()).asPredicate();
    tests.removeIf(wanted.negate());
    if (tests.isEmpty()) { // those that are wanted are in another module
      System.out.println("no test under jcstress is wanted here: " + parsed.getTestFilter());
      return;
    }
    new JCStress(parsed).run();
    requireResults(tests, results(Path.of(parsed.getResultFile())));
    System.out.println(tests.size() + " tests under jcstress have run");
  }

  /** As a shell would, with single quotes. */
  private static String[] split(String arguments) {
    return Arrays.stream(arguments.strip().split(" +(?=([^']*'[^']*')*[^']*$)"))
        .map(argument -> argument.replace("'", ""))
        .toArray(String[]::new);
  }

  private static void requireTwoActors(String test) {
    int actors = TestList.getInfo(test).threads();
    if (actors > MOST_ACTORS) {
      throw new AssertionError(
          test
              + ": "
              + actors
              + " actors (expected: at most "
              + MOST_ACTORS
              + "; jcstress leaves it out where there are fewer processors)");
    }
  }

  private static Collection<TestResult> results(Path file) throws Exception {
    InProcessCollector results = new InProcessCollector();
    if (Files.exists(file)) {
      DiskReadCollector reader = new DiskReadCollector(file.toString(), results);
      reader.dump();
      reader.close();
    }
    return results.getTestResults();
  }

  private static void requireResults(Set<String> tests, Collection<TestResult> results) {
    Set<String> seen = new HashSet<>();
    for (TestResult result : results) {
      if (result.status() == Status.NORMAL && result.getTotalCount() > 0) {
        seen.add(result.getName());
      }
    }
    Set<String> missing = new TreeSet<>(tests);
    missing.removeAll(seen);
    if (!missing.isEmpty()) {
      throw new AssertionError(
          "tests under jcstress that have run: "
              + (tests.size() - missing.size())
              + " (expected: "
              + tests.size()
              + "); missing: "
              + missing);
    }
  }
}
