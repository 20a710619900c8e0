import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.solr.embedded.JettyConfig;
import org.apache.solr.embedded.JettySolrRunner;

/**
 * A local Solr without a distribution. Arguments: solr.home, port, a file to make when every core is loaded.
 * Standalone as it is; with -DzkRun it is SolrCloud with an embedded ZooKeeper on port + 1000.
 * Exits with 2 if a core fails to load, 1 on any other failure: Solr itself logs such failures and goes on.
 */
public class SolrLauncher {
  public static void main(String[] a) {
    try {
      Path home = Path.of(a[0]).toRealPath();
      int port = Integer.parseInt(a[1]);
      System.setProperty("solr.solr.home", home.toString());
      JettyConfig cfg = JettyConfig.builder().setContext("/solr").setPort(port)
          .stopAtShutdown(true).waitForLoadingCoresToFinish(120_000L).build();
      JettySolrRunner solr = new JettySolrRunner(home.toString(), new Properties(), cfg);
      solr.start();                                    // listens on 127.0.0.1 only
      var bad = solr.getCoreContainer().getCoreInitFailures();
      if (!bad.isEmpty()) {
        bad.forEach((n, f) -> { System.err.println("core " + n); f.exception.printStackTrace(); });
        System.exit(2);
      }
      Files.writeString(Path.of(a[2]), solr.getBaseUrl() + "\n");
      System.out.println("READY " + solr.getBaseUrl());
      Thread.currentThread().join();                   // SIGTERM stops cleanly; SIGKILL is the crash test
    } catch (Throwable t) { t.printStackTrace(); System.exit(1); }
  }
}
