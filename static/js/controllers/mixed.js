// A box that is half ticked has no attribute in HTML.
export default function mixed(box) {
  box.indeterminate = true;
}
